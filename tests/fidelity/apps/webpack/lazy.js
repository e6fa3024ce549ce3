/** Loaded when it is asked for. */

import _ from "lodash";

export const told = _.upperFirst("told by a chunk");
