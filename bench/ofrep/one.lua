-- One flag after the other for one unit after the other.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local n = 0
request = function()
  n = n + 1
  local body = string.format('{"context":{"targetingKey":"user-%d","country":"DE","plan":"pro","version":"2.%d.0"}}', n, n % 9)
  return wrk.format(nil, "/ofrep/v1/evaluate/flags/checkout", nil, body)
end
done = function(summary, latency)
  io.write(string.format("| %.0f | %.2f | %.2f | %d |\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.errors.status))
end
