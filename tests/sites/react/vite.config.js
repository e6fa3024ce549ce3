/** What a new project has, less the plugin: JSX without it, and React in a chunk of its own. */
export default {
  esbuild: { jsx: "automatic" },
  build: {
    manifest: true,
    rollupOptions: { output: { manualChunks: { react: ["react", "react-dom/client"] } } },
  },
};
