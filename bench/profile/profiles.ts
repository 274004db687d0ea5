// `--cpu-profile`: where the CPU time of a warm hit goes, in the service and, beside it, in the point-read function, and that of
// a renewal and of a sign-in. `--load-profile`: where the time of a cold load goes, from many fresh processes together; the profiler
// makes it two to three times as long, compiling above all, so the shares say where to look, and the part cold-load says what was won.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createColdLoads, publicCloudEnv } from '../cold-load/cold-load.ts'
import { inTurn } from '../load/http.ts'
import { connectInspector, inspectorEnv } from '../load/inspector.ts'
import { runLoad } from '../load/load.ts'
import type { PartContext } from '../part.ts'
import { signInAt } from '../parts/sign-in.ts'
import { bundleApp } from '../subjects/bundle.ts'
import { type SessionRequests, signInAtService, startSignedIn } from '../subjects/sessions.ts'
import { type Subject, startApp } from '../subjects/subject.ts'
import { attribute, type CpuProfile, readModules, summarize } from './attribution.ts'

const inFlight = 16
const intervalMicroseconds = 200

/** @param file Where to write the profiles themselves: `<file>.<name>.cpuprofile`. */
export async function profileRequests(context: PartContext, file: string | undefined): Promise<string> {
  const { cloud, quick, progress } = context
  progress('CPU profile: starting')
  const { service, sessions } = await startSignedIn(context, 100)
  // What the stand-ins give from here on is renewed at once.
  await cloud.adjust({ accessTokenSeconds: 240 })
  const ending = await signInAtService(cloud, service, inFlight)

  const profile = async (
    name: string,
    app: 'service' | 'point-read',
    count: number,
    send: (subject: Subject, worker: number) => Promise<unknown>,
  ) => {
    const bundle = await bundleApp(app, cloud.folder, { readable: true })
    const subject = await startApp(context, app, { bundle, env: inspectorEnv })
    const { pid, output } = subject
    const load = () =>
      runLoad((worker) => send(subject, worker), { inFlight, until: { requests: count }, pid })
    progress(`CPU profile of a ${name}: warm-up`)
    await load()
    const { cpuMs } = await load()
    const inspector = await connectInspector(output())
    await inspector.call('Profiler.enable')
    await inspector.call('Profiler.setSamplingInterval', { interval: intervalMicroseconds })
    await inspector.call('Profiler.start')
    progress(`CPU profile of a ${name}: ${count} requests`)
    await load()
    const answer = await inspector.call<{ profile: CpuProfile }>('Profiler.stop')
    inspector.close()
    if (file) await writeFile(`${file}.${name.replace(' ', '-')}.cpuprofile`, JSON.stringify(answer.profile))
    const found = summarize(attribute([answer.profile], readModules(bundle)), count, 'µs a request')
    return `## ${name}: ${cpuMs.toFixed(3)} ms of CPU a request without the profiler\n\n${found}\n`
  }
  const [hits, others] = quick ? [1_000, 200] : [20_000, 2_000]
  const tokens = inTurn(sessions.map(({ token }) => token))
  const reads = inTurn(sessions.map(({ read }) => read))
  const texts = [
    await profile('warm hit', 'service', hits, ({ send }) => send(tokens())),
    await profile('point read', 'point-read', hits, ({ send }) => send(reads())),
    // Each request in flight has a session for itself.
    await profile('renewal', 'service', others, ({ send }, worker) =>
      send((ending[worker] as SessionRequests).token),
    ),
    await profile('sign-in', 'service', others, signInAt),
  ]
  return texts.join('\n')
}

export async function profileColdLoad(context: PartContext): Promise<string> {
  const { cloud, quick, progress } = context
  const runs = quick ? 5 : 30
  progress('load profile: starting')
  const { service, sessions } = await startSignedIn(context, 1)
  const [one] = sessions as [SessionRequests]
  const load = await createColdLoads(cloud, service.publicUrl)
  const bundle = await bundleApp('service', cloud.folder, { readable: true })
  const requests = {
    'health-live': { path: '/api/health/live' },
    login: { path: '/api/login' },
    token: one.token,
  }
  const texts: string[] = []
  for (const [functionName, request] of Object.entries(requests)) {
    progress(`load profile of ${functionName}: ${runs} runs`)
    const profiles: CpuProfile[] = []
    const profileTo = join(cloud.folder, 'load.cpuprofile')
    for (let run = 0; run < runs; run++) {
      await load(bundle, functionName, request, functionName === 'login' ? publicCloudEnv : {}, profileTo)
      profiles.push(JSON.parse(await readFile(profileTo, 'utf8')))
    }
    const found = summarize(attribute(profiles, readModules(bundle)), runs, 'µs a load')
    texts.push(`## ${functionName}, not minified\n\n${found}\n`)
  }
  return texts.join('\n')
}
