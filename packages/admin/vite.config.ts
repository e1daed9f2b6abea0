import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Into the server's package, beside its compiled program: `packages/server/src/admin/admin-assets.ts` reads it there.
// biome-ignore lint/style/noDefaultExport: Vite takes its configuration this way.
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "/admin/",
  plugins: [react(), tailwindcss()],
  build: {
    outDir: "../server/dist/admin-ui",
    emptyOutDir: true,
    target: "es2023",
    // Everything is a file of its own: the page's policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
