import type { ComponentProps, MouseEvent } from "react";

const looks = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover border-transparent",
  plain: "bg-panel text-ink hover:bg-hover border-button-line",
  danger: "bg-bad text-on-bad hover:bg-bad-hover border-transparent",
  ghost: "bg-transparent text-soft hover:bg-hover hover:text-ink border-transparent",
} as const;

const sizes = {
  normal: "h-[34px] px-3",
  small: "h-7 px-2 text-[13px]",
  icon: "size-[34px]",
} as const;

export interface ButtonLook {
  readonly look?: keyof typeof looks;
  readonly size?: keyof typeof sizes;
}

/** Classes of a button, for a link that looks like one. */
export function buttonClass({ look = "plain", size = "normal" }: ButtonLook = {}): string {
  return `inline-flex items-center justify-center gap-1.5 whitespace-nowrap rounded-[7px] border font-medium transition-colors cursor-pointer disabled:cursor-not-allowed disabled:opacity-50 aria-disabled:cursor-progress aria-disabled:opacity-50 ${looks[look]} ${sizes[size]}`;
}

/** While it is busy it does nothing, and submits nothing. It keeps the focus, which a disabled button would lose. */
export function Button({
  look,
  size,
  busy = false,
  ...rest
}: ComponentProps<"button"> & ButtonLook & { busy?: boolean }) {
  return (
    <button
      type="button"
      {...rest}
      aria-disabled={busy || undefined}
      aria-busy={busy}
      // Enter in a field of a form clicks the button that submits it.
      onClick={(event: MouseEvent<HTMLButtonElement>) =>
        busy ? event.preventDefault() : rest.onClick?.(event)
      }
      className={`${buttonClass({ ...(look && { look }), ...(size && { size }) })} ${rest.className ?? ""}`}
    />
  );
}
