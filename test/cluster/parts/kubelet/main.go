// A node of the test cluster: the kubelet itself over a container runtime that runs nothing, as kubemark starts it. Its pods have
// no processes, and their volumes are plain directories instead of mounts of tmpfs; what is in these volumes is made, owned and
// rotated by the kubelet's own code.
package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	criapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	criapitest "k8s.io/cri-api/pkg/apis/testing"
	"k8s.io/klog/v2"
	cadvisortest "k8s.io/kubernetes/pkg/kubelet/cadvisor/testing"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	"k8s.io/kubernetes/pkg/kubemark"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	name := flag.String("name", "", "name of the node")
	root := flag.String("root", "", "directory of the kubelet's files; the volumes of pods are below it")
	port := flag.Int("port", 0, "port on which the kubelet serves, on loopback")
	syncPeriod := flag.Duration("sync-period", time.Second, "how often pods are synced; a kubelet's default is one minute")
	flag.Parse()

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	check(err)
	config.QPS, config.Burst = 100, 200
	client, err := kubernetes.NewForConfig(config)
	check(err)

	flags, configuration := kubemark.GetHollowKubeletConfig(&kubemark.HollowKubeletOptions{
		NodeName: *name, KubeletPort: *port, MaxPods: 110,
	})
	// Kubemark makes directories of its own, which would stay behind.
	for _, made := range []string{flags.RootDirectory, configuration.StaticPodPath, configuration.PodLogsDir} {
		os.RemoveAll(made)
	}
	flags.RootDirectory = *root
	configuration.StaticPodPath = filepath.Join(*root, "static-pods")
	configuration.PodLogsDir = filepath.Join(*root, "pod-logs")
	for _, directory := range []string{configuration.StaticPodPath, configuration.PodLogsDir} {
		check(os.MkdirAll(directory, 0o755))
	}
	configuration.Address, configuration.ReadOnlyPort, configuration.HealthzPort = "127.0.0.1", 0, 0
	configuration.SyncFrequency.Duration = *syncPeriod

	// Called as it is, and not by a socket as kubemark calls it: that would lie in /tmp and stay behind.
	runtime := criapitest.NewFakeRuntimeService()
	runtime.FakeStatus = &criapi.RuntimeStatus{Conditions: []*criapi.RuntimeCondition{
		{Type: criapi.RuntimeReady, Status: true},
		{Type: criapi.NetworkReady, Status: true},
	}}
	kubemark.NewHollowKubelet(
		flags, configuration, client, client, &cadvisortest.Fake{NodeName: *name},
		criapitest.NewFakeImageService(), runtime, cm.NewStubContainerManager(),
	).Run(context.Background())
}

func check(err error) {
	if err != nil {
		klog.ErrorS(err, "The kubelet of the test cluster stopped")
		os.Exit(1)
	}
}
