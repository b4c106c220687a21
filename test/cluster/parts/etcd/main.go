// The store of the test cluster: etcd itself, one member, on loopback.
package main

import (
	"flag"
	"log"
	"net/url"

	"go.etcd.io/etcd/server/v3/embed"
)

func main() {
	directory := flag.String("directory", "", "where the store keeps its files")
	clients := flag.String("listen", "", "URL on which it serves the API server")
	flag.Parse()

	config := embed.NewConfig()
	config.Dir = *directory
	config.LogLevel = "error"
	// A store that lives for one run of tests need not survive a loss of power.
	config.UnsafeNoFsync = true
	listen, err := url.Parse(*clients)
	check(err)
	peers := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*listen}, []url.URL{*listen}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peers}, []url.URL{peers}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	check(err)
	check(<-server.Err())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
