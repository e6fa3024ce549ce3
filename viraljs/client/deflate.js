/** Compresses pieces where that is worth it, and remembers some. */

/** The start of a piece tells whether the rest is worth the time. */
const SAMPLE_BYTES = 16384;
/** Compressed to more than this share of itself, a piece goes as it is. */
const WORTH = 0.8;
/** After a piece that was not worth it, so many go without a sample: they are rarely better. */
const SKIPPED = 7;
/** For all pieces of a bundle together: the next recipient wants the same ones. */
const KEPT_BYTES = 16777216;
/** In parts of this size no part takes long: compression may happen on the page's own thread. */
const STEP_BYTES = 65536;

/** Let the page do something else. Not by a timer: pages in the background get these once a second. */
const pause = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve(null);
    };
    port2.postMessage(null);
  });

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>} gzip (RFC 1952)
 */
async function deflate(bytes) {
  const stream = new CompressionStream("gzip");
  const writer = stream.writable.getWriter();
  const result = new Response(stream.readable).arrayBuffer();
  for (let at = 0; at < bytes.length; at += STEP_BYTES) {
    await writer.write(bytes.subarray(at, at + STEP_BYTES));
    await pause();
  }
  await writer.close();
  return new Uint8Array(await result);
}

/**
 * @typedef {object} Packed A piece as it is to be sent.
 * @property {Uint8Array<ArrayBuffer>} bytes
 * @property {boolean} packed whether these are gzip
 *
 * @param {(piece: number) => Promise<ArrayBuffer>} read
 * @returns {(piece: number, gzip: boolean) => Promise<Packed>} is told whether the other side understands gzip
 */
export function createPacker(read) {
  /** @type {Map<number, Promise<Packed>>} what went packed, or is being packed */
  const kept = new Map();
  /** @type {Map<number, number>} bytes of what went packed, the oldest first */
  const sizes = new Map();
  let keptBytes = 0;
  let skip = 0;

  /** @param {number} piece */
  const plain = async (piece) => ({ bytes: new Uint8Array(await read(piece)), packed: false });

  /** @param {number} piece */
  async function pack(piece) {
    const unpacked = await plain(piece);
    if (skip-- > 0) return unpacked;
    const { bytes } = unpacked;
    const sample = bytes.subarray(0, SAMPLE_BYTES);
    if ((await deflate(sample)).length <= sample.length * WORTH) {
      const packed = await deflate(bytes);
      if (packed.length <= bytes.length * WORTH) return { bytes: packed, packed: true };
    }
    skip = SKIPPED;
    return unpacked;
  }

  /** @param {number} piece */
  function packOnce(piece) {
    const packing = pack(piece);
    kept.set(piece, packing);
    packing.then(
      ({ bytes, packed }) => (packed ? remember(piece, bytes.length) : kept.delete(piece)),
      () => kept.delete(piece),
    );
    return packing;
  }

  /** @param {number} piece @param {number} size */
  function remember(piece, size) {
    sizes.set(piece, size);
    keptBytes += size;
    for (const [old, oldSize] of sizes) {
      if (keptBytes <= KEPT_BYTES) return;
      kept.delete(old);
      sizes.delete(old);
      keptBytes -= oldSize;
    }
  }

  return (piece, gzip) => {
    if (!gzip || !self.CompressionStream) return plain(piece);
    return kept.get(piece) ?? packOnce(piece);
  };
}
