// Builds the package before it is packed, and where it is installed from its folder (`file:…/client`). The compiler is the
// repository's; where that is not installed, npm brings it here.
import { execSync } from 'node:child_process'

const run = (command) => execSync(command, { cwd: import.meta.dirname, stdio: 'inherit' })
try {
  import.meta.resolve('typescript')
  import.meta.resolve('@types/react/package.json')
} catch {
  run('npm install --no-workspaces --include=dev --no-save --no-package-lock --no-audit --no-fund')
}
run('npm run build')
