/** Writes a picture and reads it again. */

import { decode, encode } from "@jsquash/png";

/** @param {number[]} pixel */
export async function roundTrip(pixel) {
  const written = await encode(new ImageData(new Uint8ClampedArray(pixel), 1, 1));
  const { data } = await decode(written);
  return [written.byteLength, ...data];
}
