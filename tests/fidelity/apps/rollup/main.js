/** A library that knows where it was loaded from. */

import { square } from "./square.js";

export { square };
export const squares = [1, 2, 3].map(square);
export const beside = new URL("beside.txt", import.meta.url).href;
