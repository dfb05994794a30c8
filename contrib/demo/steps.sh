# shellcheck shell=bash
# contrib/demo/steps.sh - the sample requests of the demo and what each of
# them must show. Sourced by contrib/demo.sh.

STEP=0
HELD=0
FAILED=0
MISSED=()
declare -A ASKED
QUERY=/ngsi-ld/v1/entities

# ---- showing and checking

step() {
	STEP=$((STEP + 1))
	MISSED=()
	heading "$STEP. $*"
}

# expect TEXT COMMAND...: TEXT says what is wrong when COMMAND fails.
expect() {
	local text=$1
	shift
	"$@" || MISSED+=("$text")
}

# shows TEXT: the end of a step, one line on what was seen.
shows() {
	local m
	echo
	echo "-> $*"
	if [ ${#MISSED[@]} -eq 0 ]; then
		HELD=$((HELD + 1))
		echo "ok"
		return
	fi
	FAILED=$((FAILED + 1))
	for m in "${MISSED[@]}"; do
		echo "FAILED: $m"
	done
}

# command_line TENANT PURPOSE TARGET: what a person can paste.
command_line() {
	echo "curl --cacert $D/tls/ca.pem \\"
	echo "  -H \"Authorization: Bearer \$(cat $D/$1.token)\" \\"
	echo "  -H 'Hub-Purpose: $2' \\"
	echo "  -H 'Link: <$CONTEXT>; rel=\"http://www.w3.org/ns/json-ld#context\"' \\"
	echo "  '$URL$3'"
}

# fetch TENANT PURPOSE TARGET: status, head, body and milliseconds in files.
fetch() {
	printf 'header = "Authorization: Bearer %s"\n' "$(cat "$D/$1.token")" |
		curl -sS -K - --cacert "$D/tls/ca.pem" -m 20 \
		    -H "Hub-Purpose: $2" -H "Link: <$CONTEXT>;\
 rel=\"http://www.w3.org/ns/json-ld#context\"" \
		    -D "$D/head" -o "$D/body" \
		    -w '%{time_pretransfer} %{time_total}\n' "$URL$3" \
		    >"$D/times" || true
	tr -d '\r' <"$D/head" >"$D/fields"
	sed 's/},{"id":/},\n {"id":/g' "$D/body" >"$D/lines"
	MS=$(awk '{ printf "%.1f", ($2 - $1) * 1000 }' "$D/times")
	ASKED[$1]=$((${ASKED[$1]:-0} + 1))
}

# lacks_in FOLDER PATTERN: no file there has it.
lacks_in() {
	! grep -rqE -- "$2" "$1"
}

# ask_all TENANT PURPOSE TARGET: one request with its true answer, bytes as
# they came; only line breaks between entities are added.
ask_all() {
	command_line "$@"
	echo
	fetch "$@"
	grep -iE '^(HTTP|NGSILD-|Hub-)' "$D/fields" || true
	cat "$D/lines"
	echo
}

# ask TENANT PURPOSE TARGET: the same; of a long list the first two entities
# and the names of the others.
ask() {
	ask_all "$@" >"$D/shown"
	if [ "$(wc -l <"$D/lines")" -lt 5 ]; then
		cat "$D/shown"
		return
	fi
	sed '/^ {"id":/,$d' "$D/shown"
	sed -n 2p "$D/lines"
	echo " ... and, not printed here:"
	sed -n '3,$s/^ {"id":"urn:ngsi-ld:\([^"]*\)".*/\1/p' "$D/lines" |
		sed 's/.*://' | paste -sd' ' - | fold -s -w 74 |
		sed 's/^/     /; s/ *$//'
}

status() {
	head -n 1 "$D/fields" | grep -q " $1 "
}

field() {
	grep -i "^$1:" "$D/fields" | grep -qF -- "$2"
}

no_field() {
	! grep -qi "^$1:" "$D/fields"
}

body_is() {
	[ "$(cat "$D/body")" = "$1" ]
}

lacks() {
	! grep -qF -- "$1" "$D/body"
}

# entity ID TEXT: the entity is there once and holds exactly this text.
entity() {
	[ "$(grep -cF "\"id\":\"urn:ngsi-ld:$1\"" "$D/lines")" = 1 ] &&
		grep -F "\"id\":\"urn:ngsi-ld:$1\"" "$D/lines" |
		grep -qF -- "$2"
}

entities() {
	[ "$(grep -cF '"id":"urn:ngsi-ld:' "$D/lines")" = "$1" ]
}

# The names of all attributes in the answer are these.
attributes() {
	local got
	got=$(grep -oE '"[A-Za-z0-9]+":\[?\{"type":"[A-Za-z]*(Property|Relationship)' \
	    "$D/body" | cut -d'"' -f2 | sort -u | paste -sd' ' -)
	[ "$got" = "$1" ]
}

between() {
	awk -v x="$1" -v a="$2" -v b="$3" 'BEGIN { exit !(x >= a && x <= b) }'
}

# fault BROKER TEXT: how the broker behaves from now on.
fault() {
	curl -fsS -X PUT --data-binary "$2" \
	    "http://127.0.0.1:${PORT[$1]}/_fault" >/dev/null
}

# What a broker was asked since forget.
forget() {
	local b
	for b in "${BROKERS[@]}"; do
		curl -fsS -X DELETE "http://127.0.0.1:${PORT[$b]}/_log" >/dev/null
	done
}

nobody_asked() {
	local b
	for b in "${BROKERS[@]}"; do
		[ -z "$(curl -fsS "http://127.0.0.1:${PORT[$b]}/_log")" ] ||
			return 1
	done
}

# ---- the steps

FLOOD="froendenberg hochwasserschutz"
GAUGES="$QUERY?type=WaterObserved&count=true"
VILLIGST="$QUERY/urn:ngsi-ld:WaterObserved:Ruhr-Villigst"

step_token() {
	step "Without a token nobody sees anything"
	echo "curl --cacert $D/tls/ca.pem \\"
	echo "  '$URL$GAUGES'"
	echo
	curl -sS --cacert "$D/tls/ca.pem" -D "$D/head" -o "$D/body" \
	    "$URL$GAUGES" || true
	tr -d '\r' <"$D/head" >"$D/fields"
	grep -iE '^(HTTP|WWW-)' "$D/fields" || true
	cat "$D/body"
	echo
	expect "the status is not 401" status 401
	expect "no challenge" field WWW-Authenticate Bearer
	shows "401; the tenant comes from the token alone."
}

step_gauges() {
	step "Fröndenberg asks for the gauges of three providers, in one query"
	ask $FLOOD "$GAUGES"
	expect "the status is not 200" status 200
	expect "not 16 gauges" entities 16
	expect "the count is not 16" field NGSILD-Results-Count 16
	# The alarm of Villigst is a gauge and a flood sensor; what was agreed
	# of either type is in the view.
	expect "another set of attributes" attributes \
	    "alertLevel currentLevel dangerLevel dateObserved description flow location name totalDischarge waterLevel zeroDrift"
	expect "not Dortmund's Mengede" entity WaterObserved:Emscher-Mengede \
	    '"waterLevel":{"type":"Property","value":1.12,"unitCode":"MTR"'
	expect "not Schwerte's Ruhrbrücke" entity \
	    WaterObserved:Ruhr-Schwerte-Ruhrbruecke '"value":1.57,"unitCode":"MTR"'
	expect "not Unna's Langschede" entity WaterObserved:Ruhr-Langschede \
	    '"value":135,"unitCode":"CMT"'
	expect "Westhofen: Schwerte's newer value did not win" entity \
	    WaterObserved:Ruhr-Westhofen '"value":1.91,"unitCode":"MTR"'
	expect "Holzwickede: the value with a time did not win" entity \
	    WaterObserved:Emscher-Holzwickede \
	    '"value":0.24,"unitCode":"MTR","observedAt":"2026-11-22T17:30:00Z"'
	expect "a brook outside the agreed area is there" lacks Elsebach
	expect "a device is there in spite of the forbid" lacks refDevice
	expect "a warning though all brokers answered" no_field NGSILD-Warning
	shows "16 gauges of Dortmund, Schwerte and Kreis Unna; only agreed" \
	    "attributes, of Schwerte only the Ruhr, never a device."
}

step_merge() {
	local b
	step "One gauge, held by two brokers: the newest value wins, attribute by attribute"
	for b in schwerte kreis-unna; do
		echo "# what the broker of $b itself says:"
		curl -sS "http://127.0.0.1:${PORT[$b]}$VILLIGST?attrs=waterLevel,flow" |
			sed 's/, "\(waterLevel\|flow\)"/,\n   "\1"/g' || true
		echo
	done
	echo
	ask $FLOOD "$VILLIGST"
	expect "the status is not 200" status 200
	expect "the level of Schwerte (17:45, cm) did not win" \
	    entity WaterObserved:Ruhr-Villigst '"waterLevel":{"type":"Property","value":142,"unitCode":"CMT","observedAt":"2026-11-22T17:45:00Z"}'
	expect "the flow of Kreis Unna is not there" \
	    entity WaterObserved:Ruhr-Villigst '"flow":{"type":"Property","value":31.1,"unitCode":"MQS","observedAt":"2026-11-22T17:30:00Z"}'
	shows "The level is Schwerte's 142 with its unit, CMT for centimetres" \
	    "(17:45 beats 17:30); the flow is Kreis Unna's, since Schwerte did" \
	    "not agree to share its own."
}

step_bytes() {
	local id=urn:ngsi-ld:WaterObserved
	step "Numbers and letters leave as the brokers wrote them"
	ask $FLOOD "$QUERY?type=WaterObserved&id=$id:Hoenne-Froendenberg,$id:Ruhr-Froendenberg&attrs=flow,totalDischarge,zeroDrift,description"
	expect "21.10 was changed" entity WaterObserved:Hoenne-Froendenberg \
	    '"value":21.10,'
	expect "an escape was changed" entity WaterObserved:Hoenne-Froendenberg \
	    '"value":"Gew\u00e4sser: H\u00f6nne"'
	expect "an umlaut was changed" entity WaterObserved:Ruhr-Froendenberg \
	    '"value":"Gewässer: Ruhr"'
	expect "a large number was changed" entity \
	    WaterObserved:Ruhr-Froendenberg '"value":12345678901234567890,'
	expect "1e-7 was changed" entity WaterObserved:Ruhr-Froendenberg \
	    '"value":1e-7,'
	shows "21.10 keeps its zero, 12345678901234567890 its last digit, 1e-7" \
	    "its form; escaped and plain umlauts stay what they were."
}

step_nothing() {
	step "Holzwickede asks the same and has no agreement"
	forget
	ask holzwickede hochwasserschutz "$GAUGES"
	expect "a broker was asked" nobody_asked
	expect "the status is not 200" status 200
	expect "the answer is not []" body_is '[]'
	expect "the count is not 0" field NGSILD-Results-Count 0
	expect "a warning names a source" no_field NGSILD-Warning
	shows "An empty list: no broker was asked and none is named."
}

step_draft() {
	step "Kamen's agreement is a draft: one signature is missing"
	ask kamen hochwasserschutz "$GAUGES"
	expect "the status is not 200" status 200
	expect "the answer is not []" body_is '[]'
	shows "A draft shares nothing."
}

step_explain() {
	step "Why Kamen gets nothing: the operator asks, no broker is asked"
	echo "hubctl explain --as kamen --purpose hochwasserschutz \\"
	echo "  'GET $QUERY?type=WaterObserved' | grep -A 1 '^[a-z-]*pegel'"
	echo
	"$HUBCTL" --lang en explain --as kamen --purpose hochwasserschutz \
	    --context "$CONTEXT" "GET $QUERY?type=WaterObserved" |
		grep -A 1 '^[a-z-]*pegel' >"$D/explained" || MISSED+=("hubctl failed")
	cat "$D/explained"
	expect "the draft is not named" \
	    grep -q kreis-unna-pegel-kamen "$D/explained"
	shows "The operator is told why; Kamen itself only sees that nothing is" \
	    "there."
}

step_probe() {
	step "Fröndenberg filters by an attribute that it may not see"
	ask $FLOOD "$GAUGES&q=waterTemperature%3E9"
	expect "the answer is not []" body_is '[]'
	expect "the count is not 0" field NGSILD-Results-Count 0
	echo
	ask $FLOOD "$GAUGES&q=waterLevel%3E100"
	expect "not the two gauges above 100" entities 2
	expect "not Langschede" entity WaterObserved:Ruhr-Langschede \
	    '"value":135,'
	shows "The water temperature is not in its view, so no gauge matches;" \
	    "by the level it may filter. Filters see what the answer shows."
}

step_logged() {
	local id
	step "Why that was so, by the number of the request: the decision log"
	fetch $FLOOD "$GAUGES&q=waterTemperature%3E9"
	id=$(sed -n 's/^request-id: //Ip' "$D/fields")
	echo "hubctl explain $id --log $D/decisions | head -n 14"
	echo
	sleep 1 # lines are written within 0.2 s
	"$HUBCTL" --lang en explain "$id" --log "$D/decisions" \
	    >"$D/explained" || MISSED+=("hubctl failed")
	head -n 14 "$D/explained"
	expect "the filter is not explained" \
	    grep -q 'PREDICATE_ABSENT.*waterTemperature' "$D/explained"
	expect "no agreement is named with its file and line" \
	    grep -qE 'hub:[0-9]+\]' "$D/explained"
	expect "a value of the question is in the log" \
	    lacks_in "$D/decisions" 'waterTemperature[^"]*9'
	shows "Who asked for what and what was decided stands in the log, with no" \
	    "value of the question or of an answer."
}

step_own() {
	local id=urn:ngsi-ld:OffStreetParking
	step "Schwerte asks for car parks: one of Dortmund, one of its own"
	ask schwerte verkehr "$QUERY?type=OffStreetParking&id=$id:Dortmund-Westentor,$id:Schwerte-Wuckenhof"
	expect "not two car parks" entities 2
	expect "Dortmund's free places are not there" entity \
	    OffStreetParking:Dortmund-Westentor \
	    '"availableSpotNumber":{"type":"Property","value":42,'
	expect "Dortmund's other attributes are there" [ \
	    "$(grep -F Dortmund-Westentor "$D/lines" | grep -c occupancy)" = 0 ]
	expect "its own data are not whole" entity \
	    OffStreetParking:Schwerte-Wuckenhof '"occupancy":'
	shows "Of Dortmund what was agreed for this purpose; a provider needs no" \
	    "agreement for its own data and sees all of them."
}

step_rounded() {
	local id=urn:ngsi-ld:WeatherObserved b=http://127.0.0.1:${PORT[kreis-unna]}
	step "Dortmund asks for the weather of Kreis Unna; the agreement rounds it"
	echo "# what the broker of kreis-unna itself says:"
	curl -sS -H "NGSILD-Tenant: wetter" \
	    "$b$QUERY?type=WeatherObserved&id=$id:Unna-Kreishaus,$id:Selm-Rathaus&attrs=temperature" |
		sed 's/^{"id"/ {"id"/' || true
	echo
	echo
	ask dortmund klimaanpassung "$QUERY?type=WeatherObserved&id=$id:Unna-Kreishaus,$id:Selm-Rathaus&q=temperature%3E6"
	expect "not one station" entities 1
	expect "the temperature of Selm is not rounded" entity \
	    WeatherObserved:Selm-Rathaus \
	    '"temperature":{"type":"Property","value":7,'
	expect "no word about rounding" field Hub-Narrowing rounding
	shows "Temperatures are in steps of 0.5: Selm's 6.8 is 7, and Unna's" \
	    "6.2 is 6, also for the filter \"above 6\". Hub-Narrowing tells it."
}

step_stopped() {
	step "Dortmund's broker is stopped"
	stop_pid "${PID[dortmund]}"
	ask $FLOOD "$GAUGES"
	expect "the status is not 200" status 200
	expect "no warning names Dortmund" field NGSILD-Warning dortmund-broker
	expect "not the 12 gauges of the others" entities 12
	expect "Dortmund's gauges are there" lacks Emscher-Mengede
	expect "Holzwickede is not there from Kreis Unna" entity \
	    WaterObserved:Emscher-Holzwickede '"value":0.24'
	start_broker dortmund
	shows "The others' gauges arrive, with a warning that names Dortmund."
}

step_hanging() {
	local all=() i
	step "Schwerte's broker accepts and never answers; its timeout is 500 ms"
	fault schwerte hang
	ask $FLOOD "$GAUGES"
	all+=("$MS")
	expect "the status is not 200" status 200
	expect "no warning names Schwerte" field NGSILD-Warning schwerte-broker
	expect "not the 13 gauges of the others" entities 13
	for i in 1 2; do
		fetch $FLOOD "$GAUGES"
		all+=("$MS")
	done
	echo "milliseconds from request to end of answer: ${all[*]}"
	MS=$(printf '%s\n' "${all[@]}" | sort -n | sed -n 2p)
	expect "the median is not within 500 and 550 ms" \
	    between "$MS" 500 550
	fault schwerte none
	shows "The answer waits for Schwerte's own 500 ms and not longer" \
	    "(median of three: $MS ms)."
}

step_recovered() {
	step "All brokers answer again"
	fetch $FLOOD "$GAUGES"
	grep -iE '^(HTTP|NGSILD-)' "$D/fields" || true
	expect "not 16 gauges" entities 16
	expect "still a warning" no_field NGSILD-Warning
	shows "16 gauges, no warning ($MS ms)."
}

counted() {
	"$HUBCTL" usage "$(date +%Y)" --by tenant --tenant froendenberg \
	    -o json >"$D/usage.json" 2>/dev/null &&
		grep -qE "\"requests\": *${ASKED[froendenberg]}[,} ]" \
		    "$D/usage.json"
}

step_usage() {
	local year
	year=$(date +%Y)
	step "What was used is in the ledger"
	expect "not the ${ASKED[froendenberg]} requests of Fröndenberg" \
	    wait_for 10 counted
	echo "hubctl usage $year --by tenant"
	"$HUBCTL" usage "$year" --by tenant || MISSED+=("hubctl failed")
	echo
	echo "hubctl usage $year --by provider"
	"$HUBCTL" usage "$year" --by provider || MISSED+=("hubctl failed")
	shows "Each request of above is counted once for its tenant, and once" \
	    "at every provider that was asked for it; \"without data\": denied," \
	    "nothing found, or no answer."
}

# The shares of all members are the cost of the month, to the cent.
shares_sum() {
	local want
	want=$("$HUBCTL" -o json allocate betrieb --period "$1" |
	    sed -n 's/.*"amount_cents":\([0-9]*\).*/\1/p' | head -n 1)
	[ "$want" = "$("$HUBCTL" -o csv allocate betrieb --period "$1" |
	    tr -d '\r' | awk -F, 'NR > 1 { gsub(/[.]/, "", $NF); n += $NF }
		END { print n }')" ]
}

step_statement() {
	local month
	month=$(TZ=Europe/Berlin date +%Y-%m)
	step "What Fröndenberg bears of the platform this month, and why"
	echo "hubctl --lang de statement froendenberg $month"
	echo
	"$HUBCTL" --lang de statement froendenberg "$month" >"$D/statement" ||
		MISSED+=("hubctl failed")
	cat "$D/statement"
	expect "no part for its inhabitants" \
	    grep -qE 'einwohner +Einwohner +20766 +394782' "$D/statement"
	expect "no part for its usage" \
	    grep -qE 'nutzung +genutzte Einheiten +[1-9]' "$D/statement"
	expect "the shares of all do not sum to the cost" shares_sum "$month"
	shows "A base in equal parts, one part by inhabitants, one by what was" \
	    "used; the shares of all members are the cost to the cent."
}

all_steps() {
	echo
	echo "The commands below are what you would type yourself. This run removes"
	echo "everything at its end; without --once the region stays for you to try."
	step_token
	step_gauges
	step_merge
	step_bytes
	step_nothing
	step_draft
	step_explain
	step_probe
	step_logged
	step_own
	step_rounded
	step_stopped
	step_hanging
	step_recovered
	step_usage
	step_statement
	printf '\n%s steps held, %s failed\n' "$HELD" "$FAILED"
	[ "$FAILED" -eq 0 ]
}

# ---- what to try by hand

suggestions() {
	local year
	year=$(date +%Y)
	cat <<-EOF

	# Fröndenberg: the gauges of three providers, in one query
	$(command_line $FLOOD "$GAUGES")

	# Holzwickede: the same, without an agreement
	$(command_line holzwickede hochwasserschutz "$GAUGES")

	# one gauge that two brokers hold
	$(command_line $FLOOD "$VILLIGST")

	# Schwerte, for another purpose
	$(command_line schwerte verkehr "$QUERY?type=OffStreetParking")

	# Schwerte's broker hangs (also: drip, html, garbage, status 500,
	# reset, "delay 300"), then behaves again; ask as above in between
	curl -X PUT --data-binary hang http://127.0.0.1:${PORT[schwerte]}/_fault
	curl -X PUT --data-binary none http://127.0.0.1:${PORT[schwerte]}/_fault
	# what Schwerte's broker was asked
	curl http://127.0.0.1:${PORT[schwerte]}/_log
	# Dortmund's broker goes away for good
	kill ${PID[dortmund]}

	# what was used
	HUB_DATABASE='$DATABASE' \\
	  $HUBCTL usage $year --by tenant
	# what the platform costs, who bears what of it, and each step to it
	HUB_DATABASE='$DATABASE' \\
	  $HUBCTL --lang de allocate betrieb --trace
	# the hub's log, its state, the region files
	tail -f $D/hubd.log
	curl http://127.0.0.1:$ADMIN_PORT/readyz
	ls $D/region

	Tokens are in $D/*.token (${TENANTS[*]}).
	EOF
}
