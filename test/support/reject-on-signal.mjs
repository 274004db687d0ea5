// Preloaded into a host process (`--import`): at SIGUSR2 a promise rejects there, and nobody hears it.
process.on('SIGUSR2', () => void Promise.reject(new Error('canary')))
