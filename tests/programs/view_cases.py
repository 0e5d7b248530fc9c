"""Host programs that give a kernel one memory in two ways, or arrays of sizes that are not said.

Each is run by the stand-in for Numba of `host_code.py` behind its `HEAD`.
"""

CASES: dict[str, str] = {
    "ceil_int_held": """\
def run(x):
    a = np.zeros(int(len(x) / 4 + 1)); b = np.zeros(math.ceil(len(x) / 4 + 1))
    k[1, 64](a, b)
run(np.zeros(9))
""",
    "ceil_int_held2": """\
def run(n, x):
    a = np.zeros(int(max(1, n / 2))); b = np.zeros(math.ceil(max(1, n / 2)))
    k[1, 64](a, b)
run(9, 1)
""",
    "empty_like_shape": """\
x = np.zeros(1000)
y = np.empty_like(x, shape=(5,))
k[1,64](x,y)
""",
    "full_like_shape": """\
x = np.zeros(1000)
y = np.full_like(x, 1, shape=5)
k[1,64](x,y)
""",
    "astype_nocopy": """\
x = np.zeros(1000)
y = x.astype(np.float64, copy=False)
k[1,64](x,y)
""",
    "array_nocopy": """\
x = np.zeros(1000)
y = np.array(x, copy=None)
k[1,64](x,y)
""",
    "array_nocopy2": """\
x = np.zeros(1000)
y = np.array(x, copy=False)
k[1,64](x,y)
""",
    "squeeze": """\
x = np.zeros(1000)
y = x.squeeze()
k[1,64](x,y)
""",
    "np_squeeze": """\
x = np.zeros(1000)
y = np.squeeze(x)
k[1,64](x,y)
""",
    "view": """\
x = np.zeros(1000)
y = x.view()
k[1,64](x,y)
""",
    "flip": """\
x = np.zeros(1000)
y = np.flip(x)
k[1,64](x,y)
""",
    "flip_direct": """\
x = np.zeros(1000)
k[1,64](x,np.flip(x))
""",
    "np_ravel": """\
x = np.zeros(1000)
k[1,64](x,np.ravel(x))
""",
    "np_reshape": """\
x = np.zeros(1000)
k[1,64](x,np.reshape(x, -1))
""",
    "np_transpose": """\
x = np.zeros(1000)
k[1,64](x,np.transpose(x))
""",
    "swapaxes": """\
x = np.zeros((10,10))
k[1,64](x[0],x.swapaxes(0,1)[0])
""",
    "real": """\
x = np.zeros(1000)
k[1,64](x,x.real)
""",
    "real_of_name": """\
def run(x):
    y = x.real
    k[1,64](x,y)
run(np.zeros(5))
""",
    "T_of_name": """\
def run(x):
    y = x.T
    k[1,64](x,y)
run(np.zeros(5))
""",
    "split": """\
x = np.zeros(10)
a, b = np.split(x, 2)
k[1,64](a, x)
""",
    "atleast": """\
x = np.zeros(10)
a = np.atleast_1d(x)
k[1,64](a, x)
""",
    "step": """\
x = np.zeros(10)
k[1,64](x[::2], x)
""",
    "step2": """\
x = np.zeros(10)
k[1,64](x[::-1], x)
""",
    "rows": """\
x = np.zeros((10, 4))
for row in x:
    k[1,64](row, x[0])
""",
    "rows_enum": """\
x = np.zeros((10, 4))
for i, row in enumerate(x):
    k[1,64](row, x[i])
""",
    "rows_name": """\
def run(x):
  for row in x:
    k[1,64](row, x[0])
run(np.zeros((10, 4)))
""",
    "unpack_rows": """\
x = np.zeros((2, 4))
a, b = x
k[1,64](a, x[0])
""",
    "prop": """\
class S:
    def __init__(self): self.x = np.zeros(10)
    @property
    def data(self): return self.x
    def get(self): return self.x
    def run(self):
        k[1, 64](self.x, self.data)
        k[1, 64](self.x, self.get())
s = S(); s.run()
k[1,64](s.x, s.get())
k[1,64](s.x, s.data)
""",
    "mask2": """\
def run(m):
    x = np.zeros((10, 10))
    k[1, 64](x[m], np.zeros(10))
run(np.zeros((10,10)) > -1)
""",
    "out_arg": """\
x = np.zeros(10)
y = np.add(x, 1, out=x)
k[1,64](x, y)
""",
    "iadd_list": """\
x = np.zeros(1000)
y = np.empty_like(x)
p = [1]
q = p
q += [2]
k[len(p), 64](x, y)
""",
    "setdefault": """\
x = np.zeros(1000)
y = np.empty_like(x)
d = {'a': 2}
d.setdefault('b', 3)
k[len(d), 64](x, y)
""",
    "to_device_to": """\
x = np.zeros(10)
d = cuda.to_device(x)
e = cuda.to_device(x, to=d)
k[1,64](d, e)
""",
    "to_device_twice": """\
x = np.zeros(10)
d = cuda.to_device(x)
e = cuda.to_device(d)
k[1,64](d, e)
""",
    "copy_to_host": """\
x = np.zeros(10)
d = cuda.to_device(x)
k[1,64](x, d)
""",
    "arange_step_kw": """\
k[1,64](np.arange(10, step=2), np.zeros(5))
""",
    "arange_stop_kw": """\
k[1,64](np.arange(2, stop=7), np.zeros(5))
""",
    "t_reshape": """\
x = np.zeros((3, 4))
y = x.T.reshape(-1)
k[1, 64](y, x.ravel())
k[1, 64](y, x[0])
""",
    "enumerate_start": """\
x = np.zeros(1000)
y = np.empty_like(x)

for i, n in enumerate((4, 5), 2):
    k[i, 64](x, y)
for i, n in enumerate((4, 5), start=3):
    k[i, 64](x, y)
""",
    "same_region_loop": """\
bufs = [np.zeros(10), np.zeros(10)]
for i in range(4):
    k[1, 64](bufs[i % 2], bufs[(i + 1) % 2])
k[1, 64](bufs[0], bufs[-2])
""",
    "swap_then": """\
x = np.zeros(10); y = np.zeros(10)
for i in range(3):
    k[1, 64](x, y)
    x, y = y, x
y = x
k[1, 64](x, y)
""",
    "inherit_reset": """\
class A:
    def __init__(self): self.n = 4; self.x = np.zeros(4)
    def run(self): k[1, 64](self.x, np.zeros(9), self.n)
class B(A):
    def reset(self): self.n = 9
b = B(); b.run(); b.reset(); b.run()
""",
    "ret_param_tuple": """\
def both(v): return v, v[:5]
def main():
    x = np.zeros(10)
    a, b = both(x)
    k[1, 64](a, b)
main()
""",
    "view_field": """\
class S:
    def __init__(self):
        self.x = np.zeros(10)
        self.y = self.x[2:]
        self.z = self.x[:2]
    def run(self):
        k[1, 64](self.x, self.y)
S().run()
""",
    "copy_later": """\
x = np.zeros(10)
y = x
x = x.copy()
k[1, 64](x, y)
""",
    "np_alias": """\
x = np.zeros(10)
y = np.where(True, x, x)
k[1, 64](x, y)
z = np.broadcast_to(x, 10)
k[1, 64](x, z)
""",
    "two_attrs": """\
class S:
    def __init__(self):
        self.x = np.zeros(10)
        self.d = {"a": self.x, "b": self.x}
    @property
    def data(self): return self.x
    def run(self): k[1, 64](self.x, self.data)
S().run()
""",
    "prop_only": """\
class S:
    def __init__(self): self.x = np.zeros(10)
    @property
    def data(self): return self.x
def main():
    s = S()
    k[1, 64](s.x, s.data)
main()
""",
    "getattr_": """\
class S: pass
s = S()
s.x = np.zeros(10)
s.y = s.x
k[1, 64](s.x, s.y)
""",
    "or_arrays": """\
def run(y=None):
    x = np.zeros(10)
    z = y or x
    k[1, 64](x, z)
class T: pass
run()
""",
    "none_default2": """\
def run(x, y=None):
    y = x if y is None else y
    k[1, 64](x, y)
run(np.zeros(5))
""",
    "walrus_arr": """\
x = np.zeros(10)
if (y := x) is not None:
    k[1, 64](x, y)
""",
    "global_arr": """\
x = np.zeros(10)
y = None
def init():
    global y
    y = x
init()
k[1, 64](x, y)
""",
    "global_arr2": """\
x = None
y = None
def init():
    global x, y
    x = np.zeros(10)
    y = x
def go(): k[1, 64](x, y)
init()
go()
""",
    "call_same": """\
def run(a, b):
    k[1, 64](a, b)
x = np.zeros(10)
run(x, x)
""",
    "call_same_nested": """\
def go(a, b):
    k[1, 64](a, b)
def run(a, b):
    go(a, b)
x = np.zeros(10)
run(x, x)
""",
    "call_same_slices": """\
def run(a, b):
    k[1, 64](a, b)
x = np.zeros(10)
run(x[1:], x[:-1])
""",
    "call_same_kw": """\
def run(a, b):
    k[1, 64](a, b)
x = np.zeros(10)
run(x, b=x)
""",
    "call_same_method": """\
class S:
    def __init__(self): self.x = np.zeros(10)
    def step(self, a, b): k[1, 64](a, b)
    def run(self): self.step(self.x, self.x)
S().run()
""",
    "call_same_global": """\
x = np.zeros(10)
def run(a):
    k[1, 64](a, x)
run(x)
""",
    "call_same_attr": """\
class S:
    def __init__(self): self.x = np.zeros(10)
    def step(self, a): k[1, 64](a, self.x)
s = S()
s.step(s.x)
""",
    "if_field": """\
class S:
    def __init__(self, f):
        self.x = np.zeros(10)
        self.y = np.zeros(10)
        x = self.x
        if f: self.y = x
    def run(self): k[1, 64](self.x, self.y)
S(True).run()
""",
    "dict_star": """\
x = np.zeros(10)
d = dict(a=x, out=x)
k[1, 64](**d)
""",
    "nested_fn": """\
def main():
    x = np.zeros(10)
    def inner(y): k[1, 64](x, y)
    inner(x)
main()
""",
    "async_same": """\
async def go(a, b): k[1, 64](a, b)
x = np.zeros(10)
asyncio.run(go(x, x))
""",
    "either_way": """\
x = np.zeros(10); y = np.zeros(10)
for s in range(4):
    a, b = (x, y) if s % 2 == 0 else (y, x)
    k[1, 64](a, b)
""",
    "either_way_same": """\
x = np.zeros(10); y = np.zeros(10)
a, b = (x, y) if flag() else (y, y)
k[1, 64](a, b)
k[2, 64](x, b)
""",
    "property_of_another": """\
class S:
    def __init__(self, n): self.x = np.zeros(n)
    def change(self, n):
        if n > 3: self.x = np.zeros(n)
    @property
    def seen(self): return self.x
s, t = S(4), S(4)
k[1, 64](s.x, t.seen)
k[2, 64](s.x, s.seen)
""",
}
