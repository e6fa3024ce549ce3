/** What stands in place of a bundle in a thin response. */

import { deliver } from "./deliver.js";
import { shownScript } from "./place.js";
import { directUrl } from "./urls.js";

const island = __VIRALJS__;
if (typeof document === "undefined") {
  // A worker's importScripts can't be told from a script element by its headers, and expects its globals at once.
  importScripts(directUrl(island, self.origin + island.url));
} else {
  deliver(island, shownScript());
}
