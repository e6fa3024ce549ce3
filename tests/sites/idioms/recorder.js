/* What a page of this suite keeps: who ran when, what went wrong, and what the console was told. */
(() => {
  // Some pages have a constant of that name.
  const { URL } = globalThis;
  // Some have elements whose names hide the document's own properties.
  const { get } = Object.getOwnPropertyDescriptor(Document.prototype, "readyState");
  const log = [];
  const lines = [];
  const seeded = [];
  const local = (url) => String(url?.baseVal ?? url ?? "").replace(location.origin, "");
  const say = (what) => void log.push(`${what} (${get.call(document)})`);
  const tell = (value) => (value instanceof Error ? `${value.name}: ${value.message}` : String(value));
  for (const name of ["log", "info", "warn", "error"]) {
    const native = console[name];
    console[name] = (...given) => {
      lines.push([name, ...given.map(tell)].join(" "));
      native.apply(console, given);
    };
  }
  const onError = ({ target, message, filename, lineno }) =>
    say(
      target instanceof Element
        ? `error of ${target.localName} ${local(target.src || target.href)}`
        : `${message} at ${local(filename)}:${lineno}`,
    );
  // Those of elements, whose script or image is missing, do not bubble.
  addEventListener("error", onError, true);
  addEventListener("unhandledrejection", ({ reason }) => say(`unhandled ${tell(reason)}`));
  addEventListener("viraljs:seeding", ({ detail }) => seeded.push(new URL(detail.url).pathname));
  Object.assign(globalThis, { log, lines, seeded, say });
})();
