// Preloaded into a host process: says which files of the app it loads, and when, among the lines of its log.
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

registerHooks({
  load(url, context, next) {
    if (/\.cjs$/.test(url)) console.log(`loaded ${fileURLToPath(url)}`)
    return next(url, context)
  },
})
