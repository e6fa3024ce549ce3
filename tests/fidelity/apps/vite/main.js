/** An app of modules: a chunk that it imports at once, one that imports from it, and a codec that is WebAssembly. */

import "./style.css";
import { h, render } from "preact";
import { count } from "./shared.js";

export const name = "the entry";

const picture = new URL("./picture.svg", import.meta.url).href;

render(h("p", { class: "shown" }, `${name} counts ${count(1)}`), document.querySelector("#place"));

window.app = {
  picture,
  lazy: () => import("./lazy.js"),
  codec: () => import("./codec.js"),
};
