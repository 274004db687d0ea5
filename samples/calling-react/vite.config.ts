import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  // The client is a link to its folder here, from where it would find another React.
  resolve: { dedupe: ['react', 'react-dom'] },
  // Microsoft's components are 6 MB, whatever one does.
  build: { chunkSizeWarningLimit: 8_000 },
})
