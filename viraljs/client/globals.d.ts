import type { Page } from "./page.js";
import type { ReceivingIsland } from "./types.js";

declare global {
  /** The settings island, which the template passes to the built client. */
  const __VIRALJS__: ReceivingIsland;
  interface Window {
    ViralJS?: Page;
    /** Modules of this page run from their own URLs. */
    viraljsNative?: boolean;
    trustedTypes?: { createPolicy(name: string, rules: object): Record<string, (text: string) => any> };
  }
  /** Exists in workers only. */
  function importScripts(...urls: string[]): void;
  interface Document {
    prerendering?: boolean;
  }
  interface Navigator {
    connection?: { saveData?: boolean };
  }
}
