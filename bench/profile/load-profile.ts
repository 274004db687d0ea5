// `--load-profile`: where the time of a cold load goes, from many fresh processes together. The profiler makes it two to three
// times as long, compiling above all; so the shares say where to look, and the part cold-load says what was won.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildColdLoadChild, loadOnce, publicCloudEnv, rpcRequest } from '../cold-load/cold-load.ts'
import { type PartContext, started } from '../part.ts'
import { bundleApp } from '../subjects/bundle.ts'
import { sampleSession, seedSessions } from '../subjects/sessions.ts'
import { startApp } from '../subjects/subject.ts'
import { attribute, type CpuProfile } from './attribution.ts'
import { readModules } from './modules.ts'
import { summarize } from './request-profile.ts'

export async function profileColdLoad(context: PartContext): Promise<string> {
  const { cloud, quick, progress } = context
  const runs = quick ? 5 : 30
  progress('load profile: starting')
  const service = await started(context, startApp('service', { cloud }))
  const { session } = await sampleSession(cloud, service, 'sessions')
  const [one] = await seedSessions(cloud, { table: 'sessions', session, count: 1 })
  const headers = { 'x-requested-with': 'fetch', cookie: `__Host-session=${one?.cookie}` }
  const child = await buildColdLoadChild(cloud.folder)
  const bundle = await bundleApp('service', cloud.folder, { readable: true })
  const modules = readModules(bundle)
  const requests = {
    'health-live': { path: '/api/health/live' },
    login: { path: '/api/login' },
    token: { path: '/api/token', method: 'POST', headers },
  }
  const texts: string[] = []
  for (const [functionName, request] of Object.entries(requests)) {
    const profiles: CpuProfile[] = []
    const profileTo = join(cloud.folder, 'load.cpuprofile')
    for (let run = 1; run <= runs; run++) {
      if (run % 5 === 1) progress(`load profile of ${functionName}: ${run} of ${runs}`)
      await loadOnce(cloud, child, {
        folder: bundle.folder,
        functionName,
        request: rpcRequest(service.publicUrl, request),
        env: functionName === 'login' ? publicCloudEnv : {},
        profileTo,
      })
      profiles.push(JSON.parse(await readFile(profileTo, 'utf8')))
    }
    const found = attribute(profiles, modules)
    texts.push(`## ${functionName}, not minified\n\n${summarize(found, runs, 'µs a load')}`)
  }
  return `${texts.join('\n\n')}\n`
}
