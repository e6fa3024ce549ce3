/**
 * SHA-256 (FIPS 180-4) for pages without `crypto.subtle`, which browsers give to https and localhost only.
 * Loaded by itself, when it is needed. Cut into slices that leave the main thread room.
 */

// What is exported keeps its name and takes what it took: pages from before a deploy import it as well (docs/protocol.rst).

/** The first 32 bits of the fractional parts of the roots of the first primes: cube roots (K) and square roots (H). */
const K = new Uint32Array(64);
const H = new Uint32Array(8);
for (let candidate = 2, found = 0; found < 64; candidate++) {
  let prime = true;
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) prime &&= candidate % divisor !== 0;
  if (!prime) continue;
  if (found < 8) H[found] = (candidate ** (1 / 2) % 1) * 2 ** 32;
  K[found++] = (candidate ** (1 / 3) % 1) * 2 ** 32;
}

const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;
/** About 10 ms of work. */
const SLICE_BYTES = 1024 * 1024;

/**
 * Hash bytes at once.
 *
 * @param {Uint8Array} bytes
 * @returns {Uint8Array<ArrayBuffer>} 32 bytes
 */
export function sha256Sync(bytes) {
  const state = H.slice();
  const whole = bytes.length - (bytes.length % BLOCK_BYTES);
  compress(state, bytes, 0, whole);
  return finish(state, bytes, whole);
}

/**
 * Hash bytes, a slice at a time.
 *
 * @param {Uint8Array} bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>} 32 bytes
 */
export async function sha256(bytes) {
  const state = H.slice();
  const whole = bytes.length - (bytes.length % BLOCK_BYTES);
  for (let from = 0; from < whole; from += SLICE_BYTES) {
    compress(state, bytes, from, Math.min(whole, from + SLICE_BYTES));
    if (from + SLICE_BYTES < whole) await new Promise((resume) => setTimeout(resume));
  }
  return finish(state, bytes, whole);
}

/**
 * @param {Uint32Array} state
 * @param {Uint8Array} bytes
 * @param {number} whole how many of them have been taken in
 */
function finish(state, bytes, whole) {
  const rest = bytes.subarray(whole);
  const blocks = rest.length + 1 + LENGTH_BYTES > BLOCK_BYTES ? 2 : 1;
  const last = new Uint8Array(blocks * BLOCK_BYTES);
  last.set(rest);
  last[rest.length] = 0x80;
  new DataView(last.buffer).setBigUint64(last.length - LENGTH_BYTES, BigInt(bytes.length) * 8n);
  compress(state, last, 0, last.length);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, at) => {
    digest.setUint32(at * 4, word);
  });
  return new Uint8Array(digest.buffer);
}

const words = new Int32Array(64);

/**
 * Rotate right.
 *
 * @param {number} word
 * @param {number} bits
 */
const turn = (word, bits) => (word >>> bits) | (word << (32 - bits));

/**
 * @param {Uint32Array} state
 * @param {Uint8Array} bytes
 * @param {number} from
 * @param {number} to a whole number of blocks after `from`
 */
function compress(state, bytes, from, to) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let block = from; block < to; block += BLOCK_BYTES) {
    for (let t = 0; t < 16; t++) words[t] = view.getInt32(block + t * 4);
    for (let t = 16; t < 64; t++) {
      const x = words[t - 15];
      const y = words[t - 2];
      const s0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
      const s1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
      words[t] = words[t - 16] + s0 + words[t - 7] + s1;
    }
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    let f = state[5];
    let g = state[6];
    let h = state[7];
    for (let t = 0; t < 64; t++) {
      const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[t] + words[t]) | 0;
      const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}
