// The SDK's client needs Node.js 22 for this one function. On Node.js 20 these lines do, before the first call.
Promise.withResolvers ??= <T>() => {
  let settle!: Omit<PromiseWithResolvers<T>, "promise">;
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  return { promise, ...settle };
};
