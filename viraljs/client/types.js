/**
 * The shapes that modules share. Types only: nothing of this file is in the build.
 *
 * @typedef {object} SeedingIsland What the server tells a page that it may need to seed a bundle.
 * @property {string} url path and query of the bundle
 * @property {string} digest SHA-256 of the bundle, 64 hex digits
 * @property {number} size bytes
 * @property {number} pieceLength bytes of each piece but the last
 * @property {string} mediaType as in `Content-Type`
 * @property {string} base path of the signaling blueprint
 * @property {string} [direct] path and query of the plain bytes
 * @property {string} client where further scripts of the client are, from `base`
 * @property {string} [proof] that the server once served the digest
 * @property {string} [ticket] in place of it, for a recipient
 * @property {RTCIceServer[]} ice
 * @property {boolean} consent the page must allow sharing first
 * @property {string} consentCookie its name
 * @property {string} workerCookie tells the server what the site's own service worker does with bundles
 * @property {number} [limit] bytes per second to upload at most
 * @property {string} [page] path of the page, where it waits for the bundle's tag; not the server's word
 *
 * @typedef {object} ReceivingFields
 * @property {string} pieces base64 of the pieces' SHA-256 digests, end to end
 * @property {string} ticket `digest~own id~seeder~seeder….time.signature`: whom this page may ask, the best first
 * @property {number} deadline milliseconds for an introduction; what was measured comes to it
 * @property {number|null} [stream] the piece from which to ask the server at once, for all of it
 * @property {boolean} early seed while still receiving: there is a crowd
 * @property {number} cache bytes of bundles to keep for the next visit
 * @property {string} keptCookie tells the server which bundles are kept
 * @property {[string, number, number]} breaker cookie name, its life in seconds, and how many failures are too many
 * @property {ModuleFacts} [module] it is a module, to be linked
 *
 * @typedef {SeedingIsland & ReceivingFields} ReceivingIsland
 *
 * @typedef {object} ModuleFacts Where a module speaks of others and of itself; offsets and lengths in bytes.
 * @property {[start: number, length: number, at: number, long: number, specifier: string, isPart: number][]} imports
 *   declarations, in order; `at` and `long` are those of the specifier with its quotes
 * @property {number[]} calls where each `import(` begins
 * @property {number[]} metas where each `import.meta` begins
 * @property {boolean} named it has a `sourceURL` of its own
 * @property {[call: string, meta: string]} names that the module does not have, as long as the two
 *
 * @typedef {SeedingIsland & {module: ModuleFacts}} PartIsland A module to link; with a ticket, a `ReceivingIsland` too.
 *
 * @typedef {object} Delivery One record of `ViralJS.deliveries`.
 * @property {string} url
 * @property {string} digest
 * @property {"peers"|"server"|"cache"|"mixed"} source
 * @property {number} bytesFromPeers
 * @property {number} bytesFromServer
 * @property {number} bytesFromCache
 * @property {number} milliseconds from the start of the client (or of the request, for a full response) to the app run
 * @property {number} peers seeders that gave verified bytes
 * @property {string|null} reason why the server was asked, where peers should have done it
 * @property {Upload[]} uploads what each seeder did
 *
 * @typedef {object} Upload What a recipient reports of one seeder.
 * @property {string} seeder
 * @property {number} bytes verified ones
 * @property {number} milliseconds from the start to its last verified piece
 * @property {string|null} failure
 * @property {number|null} roundTrip milliseconds that a message to it and the answer took
 *
 * @typedef {object} Runner What `run.js` gives, which is loaded while a bundle is on its way.
 * @property {(island: ReceivingIsland, src: string) => Promise<Blob | null>} findKept
 * @property {(blob: Blob, src: string) => Promise<Blob>} nameCode
 * @property {(original: HTMLScriptElement, url: any, src: string, last?: () => Promise<any>, size?: number) =>
 *   Promise<{ran: boolean, wrote: boolean}>} run
 * @property {() => Promise<void>} runDependents
 * @property {(island: ReceivingIsland, src: string, record: Delivery) => void | Promise<void>} report
 *
 * @typedef {[first: number, count: number]} Range of pieces
 *
 * @typedef {object} Signal What the server tells a recipient of one exchange.
 * @property {"answer"|"candidates"|"refuse"|"gone"} type
 * @property {string} exchange
 * @property {string} [sdp]
 * @property {string[]} [candidates]
 * @property {string} [reason]
 */
export {};
