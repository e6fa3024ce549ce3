/** An app that finds its chunk and its pictures beside itself, wherever it is served. */

import _ from "lodash";
import picture from "./picture.svg";

const other = new URL("./other.svg", import.meta.url);
const image = Object.assign(new Image(), { src: picture });
document.body.append(image);

window.packed = {
  words: _.words("packed by webpack"),
  addresses: [picture, String(other), __webpack_public_path__],
  image,
  lazy: () => import(/* webpackChunkName: "lazy" */ "./lazy.js"),
};
