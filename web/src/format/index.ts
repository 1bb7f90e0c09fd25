export { decimal, divided, drawn, minus, negated, plus, sign, text, times, type Amount, type Decimal } from "./decimal";
export { delta, verdict, type Change, type Delta, type Good, type Tone } from "./delta";
export {
  LOCALE,
  UNKNOWN,
  count,
  exactly,
  money,
  ms,
  placesOf,
  quantity,
  ratio,
  value,
  type MeasureUnit,
  type MoneyOptions,
} from "./numbers";
export { clock, duration, instant, meant, time, typed, zone, type Grain } from "./time";
