// What a cold-load process is asked, and what it answers.
import type { RpcHttpRequest } from '../../dev/host/request.ts'

export interface ColdLoadOrder {
  /** Of the app. */
  folder: string
  functionName: string
  request: Omit<RpcHttpRequest, 'body'>
  /** Settings in the place of the cloud's. */
  env?: Record<string, string>
  /** File for a CPU profile of just that time. */
  profileTo?: string
}

export interface ColdLoad {
  /** Until the bundle is loaded and its functions are registered. */
  loadMs: number
  /** Until the function has answered. */
  totalMs: number
  status: number
}
