# Who the SDK for Ruby is. With SECONDS: again each second in this one process.
require "json"
require "aws-sdk-core"

# AWS_ENDPOINT_URL is unknown to the older release. No credentials are given: the SDK's own chain looks for them.
sts = Aws::STS::Client.new(endpoint: ENV.fetch("AWS_ENDPOINT_URL"))
ends_at = Time.now + ARGV.fetch(0, "0").to_f
loop do
  puts JSON.generate(sts.get_caller_identity.to_h)
  break if Time.now >= ends_at
  sleep 1
end
