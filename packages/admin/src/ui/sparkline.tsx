/** A few numbers as bars, the size of a word. The highest fills the height. */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const highest = Math.max(1, ...values);
  const width = 4;
  return (
    <svg
      role="img"
      aria-label={label}
      width={values.length * width}
      height={20}
      viewBox={`0 0 ${values.length * width} 20`}
      className="inline-block align-middle"
    >
      {values.map((value, at) => {
        const height = value === 0 ? 1 : Math.max(2, (value / highest) * 20);
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
            key={at}
            x={at * width}
            y={20 - height}
            width={width - 1}
            height={height}
            className={value === 0 ? "fill-line" : "fill-accent"}
          />
        );
      })}
    </svg>
  );
}
