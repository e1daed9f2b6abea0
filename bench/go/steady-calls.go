// Asks a server at a steady rate, each time when its time has come, whatever becomes of the calls before, and tells how long each answer took.
// Not JavaScript: what is measured must not wait for the garbage of who measures it.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Order is what to ask: Kind "grpc" sends bodies to a method with metadata, and "http" sends headers to a path.
type Order struct {
	Kind, Address, Path string
	Metadata            map[string]string
	Calls               []Call
	Rate, Milliseconds  int
}

// Call is one of those that are sent in turn. Expected is what a good answer has: in its bytes, or in its status and headers.
type Call struct {
	Body     []byte
	Headers  map[string]string
	Expected string
}

// Result tells how long each call took, in milliseconds, and how many answers were others than expected.
type Result struct {
	Took  []float64 `json:"took"`
	Wrong int       `json:"wrong"`
}

type plain struct{}

func (plain) Name() string                          { return "proto" }
func (plain) Marshal(v interface{}) ([]byte, error) { return v.([]byte), nil }
func (plain) Unmarshal(data []byte, v interface{}) error {
	*(v.(*[]byte)) = append([]byte{}, data...)
	return nil
}

func main() { serve(run) }

func run(order Order) Result {
	ask, done := asker(order)
	defer done()
	count := order.Rate * order.Milliseconds / 1000
	took := make([]float64, count)
	right := make([]bool, count)
	var open sync.WaitGroup
	begin := time.Now()
	for n := 0; n < count; n++ {
		time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Second / time.Duration(order.Rate))))
		open.Add(1)
		go func(n int) {
			defer open.Done()
			call := order.Calls[n%len(order.Calls)]
			sent := time.Now()
			answer := ask(call)
			took[n] = float64(time.Since(sent).Microseconds()) / 1000
			right[n] = bytes.Contains(answer, []byte(call.Expected))
		}(n)
	}
	open.Wait()
	result := Result{Took: took}
	for _, good := range right {
		if !good {
			result.Wrong++
		}
	}
	return result
}

func asker(order Order) (ask func(Call) []byte, done func()) {
	if order.Kind == "http" {
		transport := &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}
		return func(call Call) []byte { return askByHTTP(transport, "http://"+order.Address+order.Path, call) }, transport.CloseIdleConnections
	}
	connection, err := grpc.Dial(order.Address, grpc.WithInsecure(), grpc.WithBlock())
	if err != nil {
		fail(err)
	}
	sender := metadata.NewOutgoingContext(context.Background(), metadata.New(order.Metadata))
	return func(call Call) []byte {
		var answer []byte
		if err := connection.Invoke(sender, order.Path, call.Body, &answer, grpc.ForceCodec(plain{})); err != nil {
			return []byte(err.Error())
		}
		return answer
	}, func() { connection.Close() }
}

func askByHTTP(transport *http.Transport, url string, call Call) []byte {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		fail(err)
	}
	for name, value := range call.Headers {
		request.Header.Set(name, value)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return []byte(err.Error())
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	var head bytes.Buffer
	fmt.Fprintf(&head, "%d\n", answer.StatusCode)
	answer.Header.Write(&head)
	return head.Bytes()
}
