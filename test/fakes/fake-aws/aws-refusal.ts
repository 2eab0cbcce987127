/** An error as AWS answers it. */
export class AwsRefusal extends Error {
  override readonly name = "AwsRefusal";
  readonly code: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: string,
    message: string,
    { status = 400, headers = {} }: Partial<Pick<AwsRefusal, "status" | "headers">> = {},
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.headers = headers;
  }
}

export function accessDenied(message: string): AwsRefusal {
  return new AwsRefusal("AccessDenied", message, { status: 403 });
}

export function validationError(message: string): AwsRefusal {
  return new AwsRefusal("ValidationError", message);
}
