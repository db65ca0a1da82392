// The yardstick: the same questions answered by a plain Go program, as lean as it can be with the usual libraries.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/vmihailenco/msgpack/v5"
)

const version = "yardstick 1"

// What a row of the table needs, and nothing else.
type job struct {
	jid, function, target, status string
	targets                       []string
	created                       time.Time
}

type peelReturn struct {
	Peel     string        `msgpack:"peel_id"`
	Success  bool          `msgpack:"success"`
	Error    string        `msgpack:"error"`
	Duration time.Duration `msgpack:"duration"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "yardstick:", err)
		os.Exit(1)
	}
}

func connect() (*nats.Conn, nats.JetStreamContext) {
	nc, err := nats.Connect(os.Getenv("NATS_URL"))
	check(err)
	js, err := nc.JetStream()
	check(err)
	return nc, js
}

// Every newest value under a filter, through one ordered consumer: a KV watch without its stream look-up, its
// channel and its entry objects, which is faster than the watch itself.
func scan(js nats.JetStreamContext, stream, filter string, onValue func(key string, value []byte)) {
	prefix := "$KV." + strings.TrimPrefix(stream, "KV_") + "."
	done := make(chan struct{})
	sub, err := js.Subscribe(prefix+filter, func(msg *nats.Msg) {
		if msg.Header.Get("KV-Operation") == "" {
			onValue(msg.Subject[len(prefix):], msg.Data)
		}
		if meta, err := msg.Metadata(); err == nil && meta.NumPending == 0 {
			close(done)
		}
	}, nats.BindStream(stream), nats.OrderedConsumer(), nats.DeliverLastPerSubject())
	check(err)
	pending, err := sub.InitialConsumerPending()
	check(err)
	if pending > 0 {
		<-done
	}
	check(sub.Unsubscribe())
}

func decodeTargets(dec *msgpack.Decoder) []string {
	n, err := dec.DecodeArrayLen()
	check(err)
	targets := make([]string, 0, max(n, 0))
	for i := 0; i < n; i++ {
		target, err := dec.DecodeString()
		check(err)
		targets = append(targets, target)
	}
	return targets
}

func decodeJob(dec *msgpack.Decoder, jid string, value []byte) job {
	dec.Reset(bytes.NewReader(value))
	row := job{jid: jid}
	n, err := dec.DecodeMapLen()
	check(err)
	for i := 0; i < n; i++ {
		name, err := dec.DecodeString()
		check(err)
		switch name {
		case "function":
			row.function, err = dec.DecodeString()
		case "target_expr":
			row.target, err = dec.DecodeString()
		case "targets":
			row.targets = decodeTargets(dec)
		case "status":
			row.status, err = dec.DecodeString()
		case "created":
			row.created, err = dec.DecodeTime()
		default:
			err = dec.Skip()
		}
		check(err)
	}
	if row.target == "" {
		row.target = fmt.Sprint(row.targets)
	}
	row.targets = nil
	return row
}

func table(titles []string, rows [][]string) {
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	widths := make([]int, len(titles))
	for _, row := range append([][]string{titles}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	line := func(row []string) {
		for i, cell := range row {
			out.WriteString(cell)
			if i < len(row)-1 {
				out.WriteString(strings.Repeat(" ", widths[i]-len(cell)+2))
			}
		}
		out.WriteByte('\n')
	}
	line(titles)
	for _, row := range rows {
		line(row)
	}
	check(out.Flush())
}

func list() {
	nc, js := connect()
	defer nc.Close()
	dec := msgpack.NewDecoder(nil)
	found := map[string]job{}
	scan(js, "KV_jobs", "*", func(jid string, value []byte) { found[jid] = decodeJob(dec, jid, value) })
	jobs := make([]job, 0, len(found))
	for _, row := range found {
		jobs = append(jobs, row)
	}
	sort.Slice(jobs, func(a, b int) bool {
		if jobs[a].created.Equal(jobs[b].created) {
			return jobs[a].jid < jobs[b].jid
		}
		return jobs[a].created.Before(jobs[b].created)
	})
	rows := make([][]string, len(jobs))
	for i, row := range jobs {
		rows[i] = []string{row.jid, row.function, row.target, row.status}
	}
	table([]string{"JID", "FUNCTION", "TARGET", "STATE"}, rows)
}

func get(js nats.JetStreamContext, bucket, key string) []byte {
	msg, err := js.GetLastMsg("KV_"+bucket, "$KV."+bucket+"."+key, nats.DirectGet())
	if err == nats.ErrMsgNotFound {
		return nil
	}
	check(err)
	return msg.Data
}

func show(jid string) {
	nc, js := connect()
	defer nc.Close()
	record := make(chan []byte, 1)
	listed := make(chan []byte, 1)
	go func() { record <- get(js, "jobs", jid) }()
	go func() { listed <- get(js, "job-returns", jid) }()
	var returns []peelReturn
	scan(js, "KV_job-returns", jid+".*", func(_ string, value []byte) {
		var one peelReturn
		check(msgpack.Unmarshal(value, &one))
		returns = append(returns, one)
	})
	if bytes := <-listed; bytes != nil {
		var more []peelReturn
		check(msgpack.Unmarshal(bytes, &more))
		returns = append(returns, more...)
	}
	value := <-record
	if value == nil {
		check(fmt.Errorf("job %s was not found", jid))
	}
	var fields map[string]any
	check(msgpack.Unmarshal(value, &fields))
	out := bufio.NewWriter(os.Stdout)
	for name, field := range fields {
		fmt.Fprintf(out, "%s: %v\n", name, field)
	}
	check(out.Flush())
	sort.Slice(returns, func(a, b int) bool { return returns[a].Peel < returns[b].Peel })
	rows := make([][]string, len(returns))
	for i, one := range returns {
		rows[i] = []string{one.Peel, fmt.Sprint(one.Success && one.Error == ""), one.Duration.String()}
	}
	table([]string{"PEEL", "SUCCESS", "DURATION"}, rows)
}

func kill(jid string) {
	nc, js := connect()
	defer nc.Close()
	value := get(js, "jobs", jid)
	if value == nil {
		check(fmt.Errorf("job %s was not found", jid))
	}
	if status := decodeJob(msgpack.NewDecoder(nil), jid, value).status; status != "running" {
		check(fmt.Errorf("job %s is %s", jid, status))
	}
	payload, err := msgpack.Marshal(map[string]string{"action": "cancel"})
	check(err)
	check(nc.Publish("zester.job."+jid+".cancel", payload))
	check(nc.Flush())
	fmt.Println("Cancel signal sent for job", jid)
}

func main() {
	switch args := strings.Join(os.Args[1:], " "); {
	case args == "list":
		list()
	case args == "version":
		io.WriteString(os.Stdout, version+"\n")
	case len(os.Args) == 3 && os.Args[1] == "show":
		show(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "kill":
		kill(os.Args[2])
	default:
		check(fmt.Errorf("usage: yardstick list | show <jid> | kill <jid> | version"))
	}
}
