/** Loaded when it is asked for; it shares the entry's modules, not copies of them. */

import "./lazy.css";
import { name } from "./main.js";
import { count } from "./shared.js";

export const told = () => `${name} was told that ${count(1)} follows ${count(0) - 1}`;
