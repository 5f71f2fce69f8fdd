// Shows what a signed file says.
// @ts-check

import { find, tell } from "./dom.js";
import { payloadOf, readClaims, show } from "./read.js";

try {
  show(readClaims(payloadOf(find("claims").dataset.jws ?? "")), undefined);
} catch (error) {
  tell("claims-wrong", `This is no configuration. ${error instanceof Error ? error.message : error}`);
}
