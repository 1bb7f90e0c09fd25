/** Exact decimals as digits and a scale. Enters: the API's text. Leaves: exact sums, and numbers only to draw with. */

export type Amount = string | number | bigint | null | undefined;

/** `digits` ÷ 10^`scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
// More than any figure needs; an exponent beyond it would fill memory with zeros.
const EXPONENT_MAX = 400;

/** Null where the value is unknown or no decimal at all. */
export function decimal(value: Amount): Decimal | null {
  if (value === null || value === undefined || value === "") return null;
  const match = SHAPE.exec(String(value).trim());
  if (!match) return null;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  if (whole + fraction === "" || Math.abs(Number(exponent)) > EXPONENT_MAX) return null;
  const digits = BigInt(`${whole}${fraction}`) * (sign === "-" ? -1n : 1n);
  const scale = fraction.length - Number(exponent);
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale };
}

/** Plain text without an exponent, as Intl takes it exactly. */
export function text(value: Decimal): `${number}` {
  const sign = value.digits < 0n ? "-" : "";
  const digits = absolute(value.digits)
    .toString()
    .padStart(value.scale + 1, "0");
  const whole = digits.slice(0, digits.length - value.scale);
  const fraction = value.scale ? `.${digits.slice(digits.length - value.scale)}` : "";
  return `${sign}${whole}${fraction}` as `${number}`;
}

export function times(one: Decimal, other: Decimal): Decimal {
  return { digits: one.digits * other.digits, scale: one.scale + other.scale };
}

export function minus(one: Decimal, other: Decimal): Decimal {
  const scale = Math.max(one.scale, other.scale);
  return { digits: raised(one, scale) - raised(other, scale), scale };
}

export function plus(one: Decimal, other: Decimal): Decimal {
  return minus(one, { digits: -other.digits, scale: other.scale });
}

/** The same with the other sign, as text; null where unknown. */
export function negated(value: Amount): string | null {
  const exact = decimal(value);
  return exact === null ? null : text({ digits: -exact.digits, scale: exact.scale });
}

/** one ÷ other, cut after `places` decimals; null by zero. */
export function divided(one: Decimal, other: Decimal, places = 12): Decimal | null {
  if (other.digits === 0n) return null;
  const shift = places + other.scale - one.scale;
  const digits =
    shift >= 0
      ? (one.digits * 10n ** BigInt(shift)) / other.digits
      : one.digits / (other.digits * 10n ** BigInt(-shift));
  return { digits, scale: places };
}

export function sign(value: Decimal): -1 | 0 | 1 {
  if (value.digits === 0n) return 0;
  return value.digits < 0n ? -1 : 1;
}

/** The power of ten of the first digit: 0 for 1 to 9.99…, -2 for 0.012. */
export function magnitude(value: Decimal): number {
  return absolute(value.digits).toString().length - 1 - value.scale;
}

export function magnified(value: Decimal): Decimal {
  return { digits: absolute(value.digits), scale: value.scale };
}

/** To draw with: the nearest number, null where unknown. */
export function drawn(value: Amount): number | null {
  const exact = decimal(value);
  return exact === null ? null : Number(text(exact));
}

function raised(value: Decimal, scale: number): bigint {
  return value.digits * 10n ** BigInt(scale - value.scale);
}

function absolute(digits: bigint): bigint {
  return digits < 0n ? -digits : digits;
}
