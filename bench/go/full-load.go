// Calls over HTTP/2 in a closed loop: so many connections, each with so many calls in flight. As cheap as it can be: on two cores, what this
// uses is what the server's other threads cannot have.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	connections = 4
	streams     = 16
)

// Order is what to call, and for how long. Draws says whose credential comes next.
type Order struct {
	Address, Path, Header string
	Credentials           []string
	Draws                 []int
	Milliseconds          int
}

// Result is what came of it.
type Result struct {
	Answered int     `json:"answered"`
	Failed   int     `json:"failed"`
	Seconds  float64 `json:"seconds"`
}

func main() { serve(run) }

func run(order Order) Result {
	begin := time.Now()
	until := begin.Add(time.Duration(order.Milliseconds) * time.Millisecond)
	var next, answered, failed int64
	var open sync.WaitGroup
	for n := 0; n < connections; n++ {
		open.Add(1)
		go func() {
			defer open.Done()
			good, bad := connect(order, &next, until)
			atomic.AddInt64(&answered, good)
			atomic.AddInt64(&failed, bad)
		}()
	}
	open.Wait()
	return Result{int(answered), int(failed), time.Since(begin).Seconds()}
}

// connection is one loop that reads what has come, and writes when nothing more is there.
type connection struct {
	order   Order
	next    *int64
	framer  *http2.Framer
	headers *hpack.Encoder
	block   *bytes.Buffer
	stream  uint32
}

var body = append([]byte{0, 0, 0, 0, 100}, bytes.Repeat([]byte("a"), 100)...)

func connect(order Order, next *int64, until time.Time) (answered, failed int64) {
	socket, err := net.Dial("tcp", order.Address)
	check(err)
	defer socket.Close()
	reader, writer := bufio.NewReaderSize(socket, 1<<16), bufio.NewWriterSize(socket, 1<<16)
	_, err = writer.WriteString(http2.ClientPreface)
	check(err)
	block := new(bytes.Buffer)
	c := &connection{order, next, http2.NewFramer(writer, reader), hpack.NewEncoder(block), block, 1}
	c.framer.SetReuseFrames()
	check(c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}))
	check(c.framer.WriteWindowUpdate(0, 1<<30))
	open, good := streams, make(map[uint32]bool)
	for n := 0; n < streams; n++ {
		c.call()
	}
	var current uint32
	fields := hpack.NewDecoder(4096, func(field hpack.HeaderField) {
		if field.Name == "grpc-status" {
			good[current] = field.Value == "0"
		}
	})
	ended := func(id uint32) {
		if good[id] {
			answered++
		} else {
			failed++
		}
		delete(good, id)
		if open--; time.Now().Before(until) {
			open++
			c.call()
		}
	}
	for open > 0 {
		if reader.Buffered() == 0 {
			check(writer.Flush())
		}
		frame, err := c.framer.ReadFrame()
		check(err)
		current = frame.Header().StreamID
		switch frame := frame.(type) {
		case *http2.HeadersFrame:
			_, err := fields.Write(frame.HeaderBlockFragment())
			check(err)
			if frame.StreamEnded() {
				ended(current)
			}
		case *http2.DataFrame:
			if frame.StreamEnded() {
				ended(current)
			}
		case *http2.RSTStreamFrame:
			ended(current)
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				check(c.framer.WriteSettingsAck())
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				check(c.framer.WritePing(true, frame.Data))
			}
		case *http2.GoAwayFrame:
			fail(fmt.Errorf("the server went away: %v", frame.ErrCode))
		}
	}
	return
}

// call opens a stream, of which nothing else is sent.
func (c *connection) call() {
	whose := c.order.Draws[int(atomic.AddInt64(c.next, 1))%len(c.order.Draws)]
	c.block.Reset()
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", c.order.Path}, {":authority", c.order.Address},
		{"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		check(c.headers.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
	}
	credential := hpack.HeaderField{Name: c.order.Header, Value: c.order.Credentials[whose], Sensitive: true}
	check(c.headers.WriteField(credential))
	check(c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: c.stream, BlockFragment: c.block.Bytes(), EndHeaders: true}))
	check(c.framer.WriteData(c.stream, true, body))
	c.stream += 2
}
