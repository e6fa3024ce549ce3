/** Builds each app with the tool that its folder is named for, into `built/`. */

import { mkdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build as esbuild } from "esbuild";
import { rollup } from "rollup";
import { build as vite } from "vite";
import webpack from "webpack";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

async function buildWebpack() {
  const compiler = webpack({
    mode: "production",
    context: path("webpack"),
    entry: "./main.js",
    output: {
      path: path("../built/webpack"),
      publicPath: "auto",
      filename: "main.js",
      chunkFilename: "[name].js",
      assetModuleFilename: "[name][ext]",
    },
    module: { rules: [{ test: /\.svg$/, type: "asset/resource" }] },
    performance: false,
  });
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, result) => (error ? reject(error) : resolve(result)));
  });
  if (stats.hasErrors()) throw new Error(stats.toString());
}

async function buildVite() {
  await vite({
    root: path("vite"),
    base: "./",
    configFile: false,
    logLevel: "error",
    build: {
      outDir: path("../built/vite"),
      assetsInlineLimit: 0,
      rollupOptions: {
        input: path("vite/main.js"),
        output: {
          entryFileNames: "main.js",
          chunkFileNames: "[name].js",
          assetFileNames: "[name][extname]",
          manualChunks: (/** @type {string} */ id) => (id.endsWith("/shared.js") ? "shared" : undefined),
        },
      },
    },
  });
}

async function buildRollup() {
  const bundle = await rollup({ input: path("rollup/main.js") });
  for (const format of /** @type {const} */ (["iife", "umd"])) {
    await bundle.write({ file: path(`../built/rollup/${format}.js`), format, name: "rolled", sourcemap: true });
  }
}

async function buildEsbuild() {
  await esbuild({
    entryPoints: [path("esbuild/main.js")],
    outfile: path("../built/esbuild/main.js"),
    bundle: true,
    minify: true,
    format: "iife",
    globalName: "built",
    sourcemap: true,
    logLevel: "error",
  });
}

await rm(path("../built"), { recursive: true, force: true });
await mkdir(path("../built"));
await Promise.all([buildWebpack(), buildVite(), buildRollup(), buildEsbuild()]);
await writeFile(path("../built/.done"), "");
