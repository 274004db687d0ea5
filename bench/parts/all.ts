// The parts of the bench, in the order in which they run.
import type { Part } from '../part.ts'
import { coldLoad } from './cold-load.ts'
import { coldStart } from './cold-start.ts'
import { memory } from './memory.ts'
import { polling } from './polling.ts'
import { renewal } from './renewal.ts'
import { sessions } from './sessions.ts'
import { signIn } from './sign-in.ts'
import { warm } from './warm.ts'
import { wire } from './wire.ts'

export const parts = {
  warm,
  renewal,
  'sign-in': signIn,
  'cold-load': coldLoad,
  'cold-start': coldStart,
  wire,
  polling,
  memory,
  sessions,
} satisfies Record<string, Part>

export type PartName = keyof typeof parts
export const partNames = Object.keys(parts) as PartName[]
