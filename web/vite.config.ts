import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

declare const process: { env: Record<string, string | undefined> };

export default defineConfig({
  plugins: [react()],
  // Deep links load their assets from the root, whatever their own depth.
  base: "/",
  build: {
    outDir: "../src/perunit/ui",
    emptyOutDir: true,
    // Small files too stay files: the content policy lets data: be an image and nothing else.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    sourcemap: false,
    // The polyfill is an inline script, which the content policy refuses; browsers of today need none.
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": { target: process.env["PERUNIT_ADDRESS"] ?? "http://127.0.0.1:8321" } } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true, testTimeout: 60_000 },
});
