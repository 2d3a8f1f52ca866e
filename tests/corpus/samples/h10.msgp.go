package small

type Thing struct {
	Name string `msg:"name"`
	N    int    `msg:"n"`
}
