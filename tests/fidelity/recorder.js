/* What a page keeps for the tests: console output, errors, and the globals that came after this script. */
globalThis.fidelity = (() => {
  const lines = [];
  const errors = [];
  const tell = (value) => {
    if (typeof value === "string") return value;
    if (typeof value === "function") return `function ${value.name}`;
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (value instanceof Element) return value.outerHTML;
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  };
  for (const name of Object.keys(console)) {
    const native = console[name];
    if (typeof native !== "function") continue;
    console[name] = (...given) => {
      lines.push([name, ...given.map(tell)].join(" "));
      native.apply(console, given);
    };
  }
  const onError = ({ target, message, filename, lineno, colno, error }) => {
    const resource = target instanceof Element;
    // Firefox has one for a module that it has already loaded. A preload is a hint, and nothing depends on it.
    if (resource && target.rel === "modulepreload") return;
    errors.push(
      resource ? [target.tagName, target.src ?? target.href] : [message, filename, lineno, colno, tell(error)],
    );
  };
  // Those of elements, whose image or style sheet is missing, do not bubble.
  addEventListener("error", onError, true);
  addEventListener("unhandledrejection", ({ reason }) => errors.push(["unhandled", tell(reason)]));
  // The last is ChromeDriver's.
  const before = new Set([...Object.getOwnPropertyNames(globalThis), "fidelity", "ViralJS", "ret_nodes"]);
  const globals = () => Object.getOwnPropertyNames(globalThis).filter((name) => !before.has(name));
  // As a script of the page: a driver's own scope does not see what scripts declare by `let` and `class`.
  // biome-ignore lint/security/noGlobalEval: what the tests themselves write
  const evaluate = (expression) => globalThis.eval(expression);
  const observe = async (expression) => {
    let probe;
    try {
      probe = (await evaluate(expression)) ?? null;
    } catch (error) {
      probe = `the probe failed: ${error} ${error.stack}`;
    }
    // Time for what should not come: anything a second time.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return JSON.stringify({ probe, console: lines, errors, globals: globals() });
  };
  return { lines, errors, evaluate, observe };
})();
