<?php
// Who async-aws is. With SECONDS: again each second in this one process.
// Debian's own autoload.php files name /usr/share/php.
require_once 'Symfony/Contracts/Deprecation/function.php';
spl_autoload_register(fn ($class) => @include str_replace('\\', '/', $class) . '.php');

// AWS_ENDPOINT_URL is unknown to it. No credentials are given: its own chain looks for them.
$sts = new AsyncAws\Core\Sts\StsClient(['endpoint' => getenv('AWS_ENDPOINT_URL')]);
$endsAt = time() + (int) ($argv[1] ?? 0);
while (true) {
    echo json_encode(['Arn' => $sts->getCallerIdentity()->getArn()]), "\n";
    if (time() >= $endsAt) break;
    sleep(1);
}
