// Addresses of scripts, for pages and workers that are under Trusted Types: there a policy must say that they are ours.

interface Policy {
  createScriptURL(url: string): string;
}

let policy: Policy | undefined;

/** The address, in the form that `new Worker` takes. Throws where the Content-Security-Policy does not allow the policy `melody`. */
export function trustedScript(address: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } };
  policy ??= trustedTypes?.createPolicy('melody', { createScriptURL: (url) => url });
  return policy?.createScriptURL(address) ?? address;
}
