-- load.lua - wrk's side: the token of the file BENCH_TOKEN with every request,
-- and one line of numbers for bench.py at the end.
local name = os.getenv("BENCH_TOKEN")

if name then
	local file = assert(io.open(name))

	wrk.headers["Authorization"] = "Bearer " .. file:read("*l")
	file:close()
end

function done(summary, latency, requests)
	local e = summary.errors

	print(string.format("RESULT %d %d %d %d %d", summary.requests,
	    e.status + e.connect + e.read + e.write + e.timeout,
	    summary.duration, latency:percentile(50), latency:percentile(99)))
end
