import { describe, expect, it } from 'vitest'
import { attribute, type CpuProfile, packageOf } from '../../bench/profile/attribution.ts'

const moduleAt = (url: string, line: number) => {
  if (url !== 'file:///app/main.cjs') return undefined
  return line < 100 ? 'node_modules/zod/core.js' : 'src/main.ts'
}
const frame = (functionName: string, url: string, lineNumber = 0) => ({ functionName, url, lineNumber })

const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 5, 6, 7] },
    {
      id: 2,
      callFrame: frame('', 'file:///app/main.cjs'),
      children: [3],
      positionTicks: [
        { line: 10, ticks: 1 },
        { line: 200, ticks: 1 },
      ],
    },
    { id: 3, callFrame: frame('createHmac', 'node:crypto'), children: [4] },
    { id: 4, callFrame: frame('update', '') },
    { id: 5, callFrame: frame('(idle)', '') },
    { id: 6, callFrame: frame('(garbage collector)', '') },
    { id: 7, callFrame: frame('onread', 'node:net'), children: [8] },
    { id: 8, callFrame: frame('writev', '') },
  ],
  samples: [2, 2, 4, 5, 6, 8, 5],
  // Each since the sample before it, the first since the start.
  timeDeltas: [7, 1000, 1000, 4000, 99_000, 500, 250],
}

describe('the attribution of a CPU profile', () => {
  const charged = attribute([profile], moduleAt)

  it('tells modules apart by line where a bundler has made one function of them', () => {
    expect(charged.get('src/main.ts')).toBe(1)
  })

  it("charges Node's own work to the nearest caller in the bundle, and else to Node", () => {
    expect(charged.get('node_modules/zod/core.js')).toBe(1 + 4)
    expect(charged.get('Node, with no caller in the bundle')).toBe(0.25)
  })

  it('keeps the garbage collector by itself and leaves idle time out', () => {
    expect(charged.get('(garbage collector)')).toBe(0.5)
    expect([...charged.values()].reduce((sum, ms) => sum + ms)).toBe(6.75)
  })

  it('names packages by their own node_modules folder', () => {
    expect(packageOf('node_modules/a/node_modules/@azure/core-client/x.js')).toBe('@azure/core-client')
    expect(packageOf('src/tokens/token-issuer.ts')).toBe('this project')
    expect(packageOf('local host')).toBe('local host')
  })
})
