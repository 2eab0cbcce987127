const OWN_PROCESS = /(?:^|[\s/"'])brokerctl(?:\.js)?["']?\s(?:.*\s)?credential-process(?:\s|$)/;

/** Whether a `credential_process` is ours, however it was written: by hand, by `profiles sync`, by `import --replace`. */
export function isOwnProcess(command: string): boolean {
  return OWN_PROCESS.test(command);
}
