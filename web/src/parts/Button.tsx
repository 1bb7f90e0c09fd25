import type { ButtonHTMLAttributes } from "react";

import "./parts.css";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "first" | "plain" | "quiet" | "danger";
}

/** `first` is what a page wants done; `danger` cannot be undone. */
export function Button({ kind = "plain", className = "", type = "button", ...rest }: ButtonProps) {
  return <button type={type} className={`pu-button pu-button-${kind} ${className}`} {...rest} />;
}
