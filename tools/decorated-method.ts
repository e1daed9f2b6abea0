type Decorator = (
  target: object,
  key: string,
  descriptor: PropertyDescriptor,
) => PropertyDescriptor | undefined;
type Parameter = (target: object, key: string, index: number) => void;

/** Gives a class a method as a compiler does that knows decorators, which Node does not yet. */
export function decoratedMethod(
  target: { readonly prototype: object },
  run: (...given: never[]) => unknown,
  decorators: readonly unknown[],
  parameters: readonly unknown[],
): void {
  const key = `method${Object.keys(Object.getOwnPropertyDescriptors(target.prototype)).length}`;
  // A function of its own: decorators leave what they are told there.
  const value = (...given: never[]): unknown => run(...given);
  Object.defineProperty(target.prototype, key, { value, configurable: true, writable: true });
  for (const [index, parameter] of parameters.entries())
    (parameter as Parameter)(target.prototype, key, index);
  for (const decorator of decorators.toReversed()) {
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, key) as PropertyDescriptor;
    const decorated = (decorator as Decorator)(target.prototype, key, descriptor);
    Object.defineProperty(target.prototype, key, decorated ?? descriptor);
  }
}
