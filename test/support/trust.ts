// Makes the test process trust the certificate of the stand-ins.
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { inject } from 'vitest'

setDefaultCACertificates([...getCACertificates('default'), inject('certificate').ca])
