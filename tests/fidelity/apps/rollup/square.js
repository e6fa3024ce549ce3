/** @param {number} x */
export const square = (x) => x * x;
