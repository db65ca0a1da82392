// Yardstick: the same questions answered by a plain Go program: one watch, three fields decoded, sorted, printed.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/vmihailenco/msgpack/v5"
)

type job struct {
	Function string    `msgpack:"function"`
	Targets  []string  `msgpack:"targets"`
	Status   string    `msgpack:"status"`
	Created  time.Time `msgpack:"created"`
	Expr     string    `msgpack:"target_expr"`
	jid      string
}

type result struct {
	Success  bool          `msgpack:"success"`
	Duration time.Duration `msgpack:"duration"`
	peel     string
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func watch(bucket nats.KeyValue, keys string, each func(key string, value []byte)) {
	w, err := bucket.Watch(keys, nats.IgnoreDeletes())
	check(err)
	for entry := range w.Updates() {
		if entry == nil {
			return
		}
		each(entry.Key(), entry.Value())
	}
}

func list(js nats.JetStreamContext, wanted func(*job) bool) {
	bucket, err := js.KeyValue("jobs")
	check(err)
	var jobs []job
	watch(bucket, "*", func(key string, value []byte) {
		var j job
		check(msgpack.NewDecoder(bytes.NewReader(value)).Decode(&j))
		j.jid = key
		if wanted(&j) {
			jobs = append(jobs, j)
		}
	})
	sort.Slice(jobs, func(a, b int) bool { return jobs[a].Created.Before(jobs[b].Created) })
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	fmt.Fprintf(out, "%-27s  %-16s  %-30s  %s\n", "JID", "FUNCTION", "TARGET", "STATE")
	for _, j := range jobs {
		target := j.Expr
		if target == "" {
			target = "[" + strings.Join(j.Targets, " ") + "]"
		}
		fmt.Fprintf(out, "%-27s  %-16s  %-30s  %s\n", j.jid, j.Function, target, j.Status)
	}
	check(out.Flush())
}

func show(js nats.JetStreamContext, jid string) {
	bucket, err := js.KeyValue("jobs")
	check(err)
	entry, err := bucket.Get(jid)
	check(err)
	var record map[string]interface{}
	check(msgpack.Unmarshal(entry.Value(), &record))
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(out, "%v\n", record)
	returns, err := js.KeyValue("job-returns")
	check(err)
	var results []result
	watch(returns, jid+".*", func(key string, value []byte) {
		var r result
		check(msgpack.Unmarshal(value, &r))
		r.peel = key[len(jid)+1:]
		results = append(results, r)
	})
	sort.Slice(results, func(a, b int) bool { return results[a].peel < results[b].peel })
	for _, r := range results {
		fmt.Fprintf(out, "%s  %v  %v\n", r.peel, r.Success, r.Duration)
	}
	check(out.Flush())
}

func main() {
	if os.Args[1] == "version" {
		fmt.Println("yardstick 1")
		return
	}
	nc, err := nats.Connect(os.Args[2])
	check(err)
	js, err := nc.JetStream(nats.MaxWait(time.Minute))
	check(err)
	switch os.Args[1] {
	case "list":
		list(js, func(*job) bool { return true })
	case "active":
		list(js, func(j *job) bool { return j.Status == "running" || j.Status == "pending" })
	case "show":
		show(js, os.Args[3])
	case "kill":
		bucket, err := js.KeyValue("jobs")
		check(err)
		_, err = bucket.Get(os.Args[3])
		check(err)
		check(nc.Publish("zester.job."+os.Args[3]+".cancel", []byte("\x81\xa6action\xa6cancel")))
		check(nc.Flush())
		fmt.Println("sent")
	}
}
