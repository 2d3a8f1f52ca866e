print(JSON.stringify({sum: [1, 2, 3].reduce(function (a, b) { return a + b; })}));
