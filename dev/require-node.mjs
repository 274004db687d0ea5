// Loaded before every script of package.json that is TypeScript. Plain JavaScript, so that a Node which cannot read the rest can say
// that it is too old: one finds it on the PATH where `npm ci --ignore-scripts` left out the Node that the project brings along.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node.js ${process.versions.node} is too old: 22.18 or newer is needed. "npm ci" brings a newer one along, "npm ci --ignore-scripts" does not`,
  )
  process.exit(1)
}
